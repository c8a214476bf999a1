"""Parts of a report, a question each: ``(runs, names) -> (title, HTML)``, or None where there is nothing to say."""

from analysis.pages.sections.attainment import attainment_section
from analysis.pages.sections.matters import matters_section, weights_section

Section = tuple[str, str]
__all__ = [
    "Section",
    "attainment_section",
    "matters_section",
    "weights_section",
]
