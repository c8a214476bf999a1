// Unpacks what the page holds, the scripts and the record, and has it drawn. Where that fails, the pictures and tables of the
// page stay as they are.

async function unpacked(name) {
  const text = atob(document.getElementById(name).textContent);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

async function load() {
  const place = document.getElementById("interactive");
  try {
    const script = document.createElement("script"); // its hash stands in the page's policy
    script.textContent = await unpacked("packed-script");
    document.body.append(script);
    await window.drawReport(JSON.parse(await unpacked("packed-record")), place);
    performance.mark("front");
    document.getElementById("still").open = false;
    document.documentElement.dataset.interactive = "drawn";
  } catch (error) {
    place.hidden = true;
    const said = document.getElementById("interactive-failed");
    const why = "DecompressionStream" in window ? `could not be drawn (${error.message})` : "needs a browser of 2023 or later";
    said.textContent = `The interactive front ${why}. The pictures below show the same.`;
    said.hidden = false;
    document.documentElement.dataset.interactive = "failed";
  }
}

load();
