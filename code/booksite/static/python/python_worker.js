/**
 * Runs Python for the page: Pyodide, the packages that cells import, and the course's own. `python.js` talks to it.
 *
 * What it loads comes from the site alone. A file never changes under its name, so the browser keeps it where it can,
 * and Python starts again without a connection.
 *
 * @typedef {{at: string, bytes: number, sent: number}} File its place from here, its size, its size as it travels
 * @typedef {{boot: string[], files: Record<string, File>, needs: Record<string, string[]>}} Manifest the names of the
 *   files for a start, all files by name, and the packages that modules need
 * @typedef {{run: Function, receive: Function, needed: Function, pyodide: any}} Running
 */

const KEPT = "python-in-the-page"; // the name of the browser's store
const MEMORY = 2 ** 30; // bytes that Python may take; much more could end the page
const UNIT = 2 ** 16; // bytes of WebAssembly's unit of memory
const network = fetch;

const QUIETLY = { messageCallback() {}, errorCallback() {}, checkIntegrity: false }; // the build has checked

/** The site cannot be reached. */
class Unreachable extends Error {}

/** The address of this script, and what there is; the page says so first. @type {{here: string, manifest: Manifest}} */
let site;
/** @type {Promise<Running> | undefined} */
let python;
let previous = Promise.resolve(); // what was asked before
let left = 0; // bytes on their way
/** @type {Unreachable | undefined} */
let missed; // why a file did not come

self.onmessage = ({ data }) => {
  site ??= data;
  previous = previous.then(() => answer(data));
};

/** @param {any} asked */
async function answer(asked) {
  if (asked === site) return;
  missed = undefined;
  try {
    python ??= boot().catch((error) => {
      python = undefined;
      throw error;
    });
    const { run, receive, needed, pyodide } = await python;
    if (asked.comm) {
      receive(asked.comm, pyodide.toPy(asked.data));
    } else {
      const code = asked.code ?? "";
      const packages = needed(code).toJs();
      if (packages.length) await install(pyodide, packages);
      const ok = await run(code, asked.alt ?? "", (/** @type {any} */ output) => postMessage({ id: asked.id, output }));
      postMessage({ id: asked.id, ok });
    }
  } catch (error) {
    // What a cell raises is an output. This is the network, or the end of Python itself.
    postMessage({ id: asked.id, broken: String(error), unreachable: error instanceof Unreachable });
  }
}

// Changed here and not at the start of Python, which may have to be tried again.
const { Memory, instantiate } = WebAssembly;
WebAssembly.Memory = /** @type {any} */ (
  function (/** @type {WebAssembly.MemoryDescriptor} */ wanted) {
    return new Memory({ ...wanted, maximum: Math.min(wanted.maximum ?? Infinity, MEMORY / UNIT) });
  }
);
// Emscripten holds on to the bytes of each library, which nobody reads once it is compiled: 40 MB with SciPy.
WebAssembly.instantiate = /** @type {any} */ (
  async (/** @type {any} */ source, /** @type {WebAssembly.Imports} */ imports) => {
    const made = await instantiate(source, imports);
    const { buffer } = source;
    if (ArrayBuffer.isView(source) && buffer instanceof ArrayBuffer && source.byteLength === buffer.byteLength) {
      structuredClone(null, { transfer: [buffer] });
    }
    return made;
  }
);

/** Start Python; all that the first cell needs travels at the same time. */
async function boot() {
  const { here, manifest } = site;
  const { boot, files, needs } = manifest;
  // Pyodide would run Python on a stack of its own where it can, which no cell needs; ended on one, Firefox reports an
  // error of the page.
  Reflect.deleteProperty(WebAssembly, "Suspending");
  const coming = new Map(boot.map((name) => [name, bring(files[name])]));
  for (const file of coming.values()) file.catch(() => {}); // whoever takes it hears of it
  /** @param {string} name */
  const take = (name) => {
    const file = coming.get(name) ?? bring(files[name]);
    coming.delete(name);
    return file;
  };
  // Pyodide asks for its files by itself.
  self.fetch = (wanted, options) => {
    const name = String(wanted instanceof Request ? wanted.url : wanted).split("/").pop() ?? "";
    return name in files ? take(name) : network(wanted, options);
  };
  const [{ loadPyodide }] = await Promise.all([module(take("pyodide.mjs")), module(take("pyodide.asm.js"))]);
  const course = (await take("convbook.zip")).arrayBuffer();
  /** @param {ArrayBuffer} [memory] of a Python that had started */
  const start = async (memory) => {
    const pyodide = await loadPyodide({
      indexURL: new URL(".", new URL(files["pyodide.asm.wasm"].at, here)).href,
      lockFileURL: new URL(files["packages.json"].at, here).href,
      env: { MPLBACKEND: "agg" },
      checkIntegrity: false,
      _loadSnapshot: memory,
      _makeSnapshot: !memory,
    });
    const folder = pyodide.runPython("import site; site.getsitepackages()[0]"); // files are not in the memory
    pyodide.unpackArchive(await course, "zip", { extractDir: folder });
    pyodide.runPython("import booksite.in_page");
    return pyodide;
  };
  const pyodide = await startKept(start);
  pyodide._api.on_fatal = (/** @type {any} */ error) => postMessage({ broken: String(error) });
  await install(pyodide, ["numpy"]);
  const { Kernel } = pyodide.pyimport("booksite.in_page");
  const kernel = Kernel(pyodide.toPy(needs), toPage, () => whole(files["mnist.npz"]));
  forget(Object.values(files)).catch(() => {});
  return { run: kernel.run, receive: kernel.receive, needed: kernel.needed, pyodide };
}

/**
 * Start Python from the memory that an earlier start has left in the browser, which is much quicker; otherwise from the
 * beginning, and leave its memory for the next time.
 *
 * @param {(memory?: ArrayBuffer) => Promise<any>} start
 */
async function startKept(start) {
  const store = await kept();
  const address = memoryAddress();
  const found = await store?.match(address);
  const memory = await found?.arrayBuffer();
  // Python would never return from a memory that is damaged.
  if (memory && found?.headers.get("digest") === (await digest(memory))) {
    return start(memory).catch(async (error) => {
      await store?.delete(address); // the next try starts from the beginning
      throw error;
    });
  }
  const pyodide = await start();
  if (store) {
    const left = pyodide.makeMemorySnapshot();
    const headers = { digest: await digest(left) };
    store.put(address, new Response(left, { headers })).catch(() => {}); // where there is no room
  }
  return pyodide;
}

/** The address of Python's memory in the store, beside that of the files it was made from; another browser makes another. */
function memoryAddress() {
  return new URL(`memory?${encodeURIComponent(navigator.userAgent)}`, site.here).href;
}

/** @param {BufferSource} content */
async function digest(content) {
  return String(new Uint8Array(await crypto.subtle.digest("SHA-256", content)));
}

/** The browser's store; none where the browser forbids it. @returns {Promise<Cache | undefined>} */
async function kept() {
  return globalThis.caches?.open(KEPT).catch(() => undefined);
}

/**
 * @param {any} pyodide
 * @param {string[]} packages
 */
async function install(pyodide, packages) {
  const loaded = await pyodide.loadPackage(packages, QUIETLY);
  if (missed) throw missed; // Pyodide keeps it to itself
  if (loaded.length) pyodide.pyimport("booksite.in_page").empty_libraries();
}

/**
 * Hand a message of a figure to the page.
 *
 * @param {any} message
 */
function toPage(message) {
  postMessage({ comm: message });
}

/**
 * Load a file, or take the one that the browser has kept.
 *
 * @param {File} file
 * @returns {Promise<Response>}
 */
async function bring({ at, bytes, sent }) {
  const address = new URL(at, site.here).href;
  const store = await kept();
  const found = await store?.match(address);
  if (found) return found;
  tell(sent);
  const answer = await original(at).catch((error) => {
    tell(-sent);
    missed = error;
    throw error;
  });
  const counted = answer.body?.pipeThrough(
    new TransformStream({
      transform(part, controller) {
        tell((-part.length * sent) / bytes);
        controller.enqueue(part);
      },
    }),
  );
  const type = at.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
  const response = new Response(counted, { headers: { "content-type": type } });
  store?.put(address, response.clone()).catch(() => {}); // where there is no room, it is loaded again next time
  return response;
}

/**
 * Take out of the browser's store what an earlier version of the site has left there.
 *
 * @param {File[]} files of this version
 */
async function forget(files) {
  const store = await caches.open(KEPT);
  const wanted = new Set([memoryAddress(), ...files.map(({ at }) => new URL(at, site.here).href)]);
  const root = new URL("../../../", site.here).href; // other sites may have the same origin
  for (const { url } of await store.keys()) if (url.startsWith(root) && !wanted.has(url)) await store.delete(url);
}

/**
 * Load a file from the site.
 *
 * @param {string} at
 */
async function original(at) {
  const answer = await network(new URL(at, site.here)).catch((error) => Promise.reject(new Unreachable(error.message)));
  if (!answer.ok) throw new Unreachable(`${at}: ${answer.status} ${answer.statusText}`);
  return answer;
}

/**
 * Tell the page how much is on its way.
 *
 * @param {number} more bytes
 */
function tell(more) {
  left += more;
  postMessage({ left: Math.max(0, Math.round(left / 1e5) / 10) });
}

/** @param {Promise<Response>} coming of an ES module */
async function module(coming) {
  const address = URL.createObjectURL(new Blob([await (await coming).text()], { type: "text/javascript" }));
  return import(address);
}

/**
 * Load a file while Python waits for it.
 *
 * @param {File} file
 */
function whole({ at, sent }) {
  tell(sent);
  try {
    const request = new XMLHttpRequest();
    request.open("GET", new URL(at, site.here), false);
    request.responseType = "arraybuffer";
    request.send();
    if (request.status !== 200) throw new Unreachable(`${request.status} ${request.statusText}`);
    return new Uint8Array(request.response);
  } finally {
    tell(-sent);
  }
}

export {};
