/** Kernels on pictures: by name, by hand, or those that the network has learned; on a digit, a scene, or a picture of the reader's. */
import { convolve } from "./shared/convolution.js";
import { button, change, choice, element, fill, follow, numberGrid, short, status } from "./shared/elements.js";
import { kernelPicker } from "./shared/kernels.js";
import { pack, paint, picture, range, same, unpack } from "./shared/pictures.js";

const LARGEST = 40e6; // pixels of a picture that is opened
const SIDE = 240; // to which it is scaled down

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  const input = picture("Picture");
  const output = picture("Output of the kernel");
  const said = status();
  const wrong = element("p", { class: "problem", role: "alert" });
  const pictures = model.get("pictures");
  const learned = unpack(model.get("learned"));
  const use = (/** @type {ArrayLike<number>} */ values, /** @type {number} */ size) =>
    change(model, { kernel: pack(values, [size, size]) });

  const grid = numberGrid({ label: "Kernel", input: use });
  const preset = kernelPicker(model.get("presets"), use);
  const file = element("input", {
    type: "file",
    accept: "image/*",
    onchange: async () => {
      wrong.textContent = "";
      try {
        if (file.files.length) change(model, { image: await readPicture(file.files[0], model.get("limits").kernel.max) });
      } catch (error) {
        wrong.textContent = /** @type {Error} */ (error).message;
      }
    },
  });
  const chooser = choice({
    label: "Picture",
    options: { ...Object.fromEntries(Object.keys(pictures).map((name) => [name, name])), "": "a picture of yours" },
    input: (name) => (name ? change(model, { image: pictures[name] }) : draw()), // a file is chosen beside it
  });
  const own = element("label", { class: "control" }, element("span", {}, "Or a picture of yours; it stays on this device"), file);

  const kernels = Array.from({ length: learned.shape[0] }, (_, i) => {
    const values = learned.data.slice(9 * i, 9 * (i + 1));
    const canvas = element("canvas", { "aria-hidden": "true" });
    paint(canvas, { data: values, height: 3, width: 3, channels: 1 }, { scale: "signed" });
    const take = button("", () => use(values, 3));
    take.setAttribute("aria-label", `Learned kernel ${i}`);
    take.append(canvas);
    return take;
  });
  const shelf = element("div", { class: "shelf", role: "group", "aria-label": "Kernels that the network has learned" }, ...kernels);

  const draw = () => {
    const { data, shape } = unpack(model.get("image"));
    const kernel = unpack(model.get("kernel"));
    const size = kernel.shape[0];
    const image = { data, height: shape[0], width: shape[1], channels: 1 };
    paint(input.canvas, image, { limits: [0, 1] });
    chooser.show(Object.keys(pictures).find((name) => same(unpack(pictures[name]).data, data)) ?? "");
    grid.show(kernel.data, size);
    preset.show(kernel.data);
    const fits = image.height >= size && image.width >= size;
    output.hidden = !fits;
    if (!fits) return said.show(`The picture, ${image.height} × ${image.width}, is smaller than the kernel.`);
    const map = convolve(image, { data: kernel.data, height: size, width: size, channels: 1 }, [0]);
    paint(output.canvas, map, { scale: "signed" });
    const most = range(map.data, "signed")[1];
    const sum = kernel.data.reduce((a, b) => a + b, 0);
    output.say(`Output of the kernel, from ${short(-most)} (vermilion) to ${short(most)} (blue)`);
    const plain = Math.abs(sum) < 1e-3 ? "its output is 0 on an even area" : `an even area of brightness 1 gives ${short(sum)}`;
    said.show(`The weights add up to ${short(sum)}: ${plain}. The strongest output here is ${short(most)}.`);
  };

  fill(
    el,
    element("div", { class: "pictures" }, input, output),
    said,
    element("div", { class: "controls" }, preset, chooser, own),
    wrong,
    grid,
    element("p", {}, "The first layer's 16 kernels; press one to try it:"),
    shelf,
  );
  return follow(model, ["image", "kernel"], draw);
}

/**
 * Read a picture from a file: grey, and small enough to be convolved while the reader watches.
 *
 * @param {File} file
 * @param {number} least pixels of a side
 */
async function readPicture(file, least) {
  const address = URL.createObjectURL(file);
  const image = new Image();
  try {
    // Not `decode`, which would unpack a picture of any size before its size is known.
    await new Promise((loaded, failed) => {
      image.addEventListener("load", loaded);
      image.addEventListener("error", failed);
      image.src = address;
    }).catch(() => {
      throw new Error(`${file.name} is not a picture that this browser can read. Take a PNG, JPEG or WebP file.`);
    });
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width * height > LARGEST) {
      throw new Error(`${file.name} has ${width} × ${height} pixels, more than ${LARGEST / 1e6} million. Take a smaller one.`);
    }
    const scale = Math.min(1, SIDE / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(least, Math.round(width * scale)); // room for the largest kernel
    canvas.height = Math.max(least, Math.round(height * scale));
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    // Luma of ITU-R BT.601; a transparent pixel counts as black.
    const grey = Float32Array.from({ length: data.length / 4 }, (_, i) => {
      const [red, green, blue, opacity] = data.slice(4 * i, 4 * i + 4);
      return ((0.299 * red + 0.587 * green + 0.114 * blue) * opacity) / 255 ** 2;
    });
    return pack(grey, [canvas.height, canvas.width]);
  } finally {
    URL.revokeObjectURL(address);
  }
}

export default { render };
