"""Pages of this project's own in NNI's portal, beside NNI's: a small web application of its own process.

The way of a request: the browser asks NNI's server for ``/pages/...``; portal_guard.js (and the proxy, where there is
one) lets it through as any other; portal_pages.js starts the application when it is first asked for, and passes the
request on through a Unix socket in a private folder. The application ends with the server.

What a page is made of
- `contract.Page`, an entry in the front door's list (``portal_pages.PAGES``): ``name`` (its address is
  ``/pages/NAME``), ``title`` (its link in the navigation), ``gets`` and ``posts`` (its data, by name), ``documents``
  (whole pages that are no part of the portal, such as a report), ``files`` (modules and style sheets of another room,
  handed in: the chart), ``scripts`` (a package's scripts that are no modules, run before its own in their order: Bokeh's).
- ``static/NAME.js``, a JavaScript module that fills ``<main id="main">`` and is loaded by the page's frame. What all
  pages share is in ``static/pages.js``: ``ask(name, values)`` and ``send(name, body)`` for data, ``make(tag,
  attributes, ...children)`` for elements (children that are text become text, never HTML), ``say`` and ``complain``
  for the line of messages, ``poll(seconds, act)``, number formats. Colours are variables of ``static/pages.css``,
  which also has the dark ones.
- A datum is a function ``(place, asked) -> JSON``: ``place`` is a `contract.Place`, the run whose portal it is and the
  runs beside it; ``asked`` is what the page names. ``GET /pages/data/NAME?a=1`` calls the one in ``gets`` with texts
  (lists of texts where one is named several times: `contract.several`), ``POST /pages/data/NAME`` with a JSON object
  the one in ``posts``. It runs on a thread of its own, and may take its time. A `UserError` is answered with status
  400 and ``{"error": its line}``, which ``ask`` and ``send`` throw.
- A run is named in addresses by its key: ``NAME`` of a folder beside the run's own, or ``HUB/searches/NAME``
  (`Place.key`, `Place.folder`). Without one the portal's own run is meant.

This room imports no ``analysis``: data that need it are put into the list by the front door.
"""
