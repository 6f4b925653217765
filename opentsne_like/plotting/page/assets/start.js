// The beginning: data, then the map.

let viewer = null;

async function start() {
  const data = await readPayload(document.getElementById("payload"));
  viewer = new Viewer(data);
  new Hands(viewer);
  viewer.start();
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  const message = document.getElementById("message");
  message.textContent = `This map cannot be shown: ${error.message}. It needs a browser of 2023 or later.`;
  message.hidden = false;
});
