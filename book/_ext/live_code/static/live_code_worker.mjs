// Python's side: loads Pyodide, NumPy and the package from the files beside this one, then runs one cell after another.
// In: {setup: [text, ...], code: text}.  Out: {loaded, total} while loading, {result} for a cell, {failed} where Python
// itself could not be loaded.

const base = new URL("./", import.meta.url);

async function bytesOf(name, cache, progress) {
  const url = new URL(name, base).href;
  let answer = cache && (await cache.match(url));
  if (!answer) {
    answer = await fetch(url);
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
    if (cache) await cache.put(url, answer.clone()).catch(() => {}); // a full disk is no reason to stop
  }
  const chunks = [];
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    progress(value.length);
  }
  const blob = new Blob(chunks);
  const head = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  if (head[0] !== 0x1f || head[1] !== 0x8b) return blob; // not compressed, or by now no longer
  return new Response(blob.stream().pipeThrough(new DecompressionStream("gzip"))).blob();
}

async function load() {
  const files = await (await fetch(new URL("files.json", base))).json();
  const total = Object.values(files.sizes).reduce((a, b) => a + b, 0);
  let loaded = 0;
  const progress = (bytes) => postMessage({ loaded: (loaded += bytes), total });
  let cache = null;
  if ("caches" in self) {
    const mine = `live-code ${base.pathname} `;
    for (const name of await caches.keys())
      if (name.startsWith(mine) && name !== mine + files.version) await caches.delete(name);
    cache = await caches.open(mine + files.version).catch(() => null);
  }
  const given = new Map();
  await Promise.all(
    Object.keys(files.sizes).map(async (name) => {
      given.set(name.replace(/\.gz$/, ""), await bytesOf(name, cache, progress));
    }),
  );
  // Pyodide asks for its files with fetch: it gets what is already here
  const fetchIt = self.fetch;
  self.fetch = (request, options) => {
    const name = String(request.url ?? request).split("/").pop();
    const type = name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    if (!given.has(name)) return fetchIt(request, options);
    return Promise.resolve(new Response(given.get(name), { headers: { "Content-Type": type } }));
  };
  const script = (name) => URL.createObjectURL(new Blob([given.get(name)], { type: "text/javascript" }));
  const { loadPyodide } = await import(script("pyodide.mjs"));
  const { default: createPyodideModule } = await import(script("pyodide.asm.mjs"));
  const python = await loadPyodide({
    indexURL: base.href,
    packageBaseUrl: base.href,
    lockFileContents: files.lock,
    createPyodideModule,
  });
  await python.loadPackage("numpy", { messageCallback: () => {} });
  python.unpackArchive(await given.get("package.zip").arrayBuffer(), "zip");
  self.fetch = fetchIt;
  return python.pyimport("live_code_run").run;
}

const ready = load();
ready.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ failed: String(error) }),
);

onmessage = async ({ data }) => {
  const run = await ready;
  const result = run(data.setup, data.code);
  postMessage({ result: result.toJs({ dict_converter: Object.fromEntries }) });
  result.destroy();
};
