"""JavaScript that portal_page.js puts into the page of NNI's portal."""
