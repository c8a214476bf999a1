import base64
import hashlib
import re

from analysis.pages.html import (
    FRONT,
    Candidate,
    Cell,
    Code,
    definitions,
    folded,
    heading,
    html_table,
    image,
    note,
    page,
    paragraph,
)

EVIL = "\"'><script>alert(1)</script>&amp;"
SAFE = "&quot;&#x27;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;"


def test_text_is_escaped_wherever_it_stands():
    for made in (
        heading(EVIL), paragraph(EVIL), image(b"", EVIL), html_table([EVIL], []), html_table(["a"], [[EVIL]]),
        html_table(["a"], [[Cell(1, EVIL)]]), html_table(["a"], [[Code(EVIL)]]), note(EVIL), folded(EVIL, []),
        definitions([(EVIL, "")]), definitions([("", EVIL)]),
    ):  # fmt: skip
        assert SAFE in made
        assert "<script" not in made
    assert page(EVIL, []).count(SAFE) == 2


def digest(script):
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def test_only_the_pages_own_script_may_run():
    made = page("title", [])
    (script,) = re.findall(r"<script>(.*?)</script>", made, re.DOTALL)
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {digest(script)}"
    assert f'content="{policy}"' in made
    assert not re.search(r"(?:src|href)=\"(?!data:)", made)


def test_further_scripts_are_named_by_their_hashes():
    made = page("title", ["<p>part</p>"], scripts=["let own = 1"])
    sort, own = re.findall(r"<script>(.*?)</script>", made, re.DOTALL)
    assert own == "let own = 1"
    assert f"script-src {digest(sort)} {digest(own)}" in made


def test_a_cell_is_sorted_by_its_value():
    assert '<td data-value="1234567.0">1,234,567</td>' in html_table(["MACs"], [[Cell(1234567, "1,234,567")]])


def test_a_picture_is_never_shown_narrower_than_it_can_be_read_and_says_where_it_is_wider_than_the_screen():
    def png(width: int) -> bytes:
        return b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0dIHDR" + width.to_bytes(4, "big") + bytes(9)

    assert '<p class="picture wide">' in image(png(1216), "a")
    assert 'style="min-width:608px"' in image(png(1216), "a")
    assert '<p class="picture">' in image(png(700), "a")


def test_a_long_cell_breaks_between_words_and_a_command_between_them_alone():
    table = html_table(["a", "b", "c"], [["1,234", "x " * 20, Code("python run --pick index=1")]])
    assert "<td>1,234</td>" in table
    assert "<td class=long>" in table
    assert (
        "<code><span>python</span> <span>run</span> <span>--pick</span> <span>index=1</span></code>" in table
    )


def test_a_candidate_is_a_link_to_the_front():
    assert '<td><a href="#front" data-candidate="7">7</a></td>' in html_table(["a"], [[Candidate(7)]])
    assert heading("The front", FRONT) == '<h2 id="front">The front</h2>'


def test_scripts_that_are_unpacked_are_named_by_their_hashes_and_stand_nowhere():
    made = page("title", ["<p>part</p>"], scripts=["let own = 1"], unpacked=["let packed = 1"])
    assert f'{digest("let own = 1")} {digest("let packed = 1")}"' in made
    assert "let packed" not in made
