/** Kernels on pictures: by name, by hand, or those that the network has learned; on a digit, a scene, or a picture of the reader's. */
import { convolve } from "./shared/convolution.js";
import { button, change, choice, element, fill, follow, numberGrid, operator, pointable, status } from "./shared/elements.js";
import { kernelPicker } from "./shared/kernels.js";
import { short, signed } from "./shared/numbers.js";
import { pack, paint, picture, range, same, unpack } from "./shared/pictures.js";

const LARGEST = 40e6; // pixels of a picture that is opened
const SIDE = 240; // to which it is scaled down

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  const input = picture("Picture");
  const output = picture("Output of the kernel");
  const pin = { held: false }; // a place is held in both pictures
  let probe = [0.5, 0.5]; // the place that both show, as shares of the output's height and width
  const said = status();
  const wrong = element("p", { class: "problem", role: "alert" });
  const pictures = model.get("pictures");
  const learned = unpack(model.get("learned"));
  const use = (/** @type {ArrayLike<number>} */ values, /** @type {number} */ size) =>
    change(model, { kernel: pack(values, [size, size]) });

  const grid = numberGrid({ label: "Kernel", title: "Pixel × weight = product", input: use });
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
    options: { ...Object.fromEntries(Object.keys(pictures).map((name) => [name, name])), "": "your own picture" },
    input: (name) => (name ? change(model, { image: pictures[name] }) : draw()), // a file is chosen beside it
  });
  const own = element("label", { class: "control" }, element("span", {}, "Or your own picture; it stays on this device"), file);

  /** The size of the output, and the place in it that is shown. */
  const shown = () => {
    const [height, width] = model.get("image").shape;
    const size = model.get("kernel").shape[0];
    const [rows, columns] = [Math.max(height - size + 1, 1), Math.max(width - size + 1, 1)];
    const [row, column] = [Math.min(Math.floor(probe[0] * rows), rows - 1), Math.min(Math.floor(probe[1] * columns), columns - 1)];
    return { height, width, half: Math.floor(size / 2), rows, columns, row, column };
  };
  const move = (/** @type {number} */ row, /** @type {number} */ column) => {
    const { rows, columns } = shown();
    const inside = (/** @type {number} */ value, /** @type {number} */ end) => Math.min(Math.max(value, 0), end - 1);
    probe = [(inside(row, rows) + 0.5) / rows, (inside(column, columns) + 0.5) / columns];
    look();
  };
  pointable(input.stage, {
    label: "Position of the kernel on the picture",
    pin,
    size: () => [shown().height, shown().width],
    place: () => [shown().row + shown().half, shown().column + shown().half],
    move: (row, column) => move(row - shown().half, column - shown().half),
  });
  pointable(output.stage, {
    label: "Position in the output of the kernel",
    pin,
    size: () => [shown().rows, shown().columns],
    place: () => [shown().row, shown().column],
    move,
  });

  const kernels = Array.from({ length: learned.shape[0] }, (_, i) => {
    const values = learned.data.slice(9 * i, 9 * (i + 1));
    const canvas = element("canvas", { "aria-hidden": "true" });
    paint(canvas, { data: values, height: 3, width: 3, channels: 1 }, { scale: "signed" });
    const take = button("", () => use(values, 3));
    take.setAttribute("aria-label", `Learned kernel ${i}`);
    take.append(canvas);
    return { take, values };
  });
  const shelf = element("div", { class: "kernels", role: "group", "aria-label": "Kernels that the network has learned" }, ...kernels.map(({ take }) => take));

  /** @type {import("./shared/convolution.js").Maps} */
  let map;
  /** Show the products at the probe. */
  const look = () => {
    const { data, shape } = unpack(model.get("image"));
    const kernel = unpack(model.get("kernel"));
    const size = kernel.shape[0];
    if (output.hidden) {
      for (const part of [input, output]) part.frame(null);
      grid.show(kernel.data, size);
      return said.show(`The picture, ${shape[0]} × ${shape[1]}, is smaller than the kernel.`);
    }
    const { row, column } = shown();
    input.frame({ top: row, left: column, height: size, width: size });
    output.frame({ top: row, left: column, height: 1, width: 1 });
    const values = Array.from(kernel.data, (_, k) => data[(row + Math.floor(k / size)) * shape[1] + column + (k % size)]);
    grid.show(kernel.data, size, {
      above: values.map((value) => `${value.toFixed(2)} ×`),
      below: values.map((value, k) => `= ${signed(value * kernel.data[k])}`),
    });
    const sum = kernel.data.reduce((a, b) => a + b, 0);
    const flat = Math.abs(sum) < 1e-3 ? "a flat area it gives 0" : `a flat area of brightness 1 it gives ${short(sum)}`;
    said.show(
      `Row ${row}, column ${column}: the products add up to ${signed(map.data[row * map.width + column])}. ` +
        `The strongest output here is ${short(range(map.data, "signed")[1])}. On ${flat}, the sum of the weights.`,
    );
  };
  const draw = () => {
    const { data, shape } = unpack(model.get("image"));
    const kernel = unpack(model.get("kernel"));
    const size = kernel.shape[0];
    const image = { data, height: shape[0], width: shape[1], channels: 1 };
    const name = Object.keys(pictures).find((key) => same(unpack(pictures[key]).data, data)) ?? "";
    paint(input.canvas, image, { limits: [0, 1] });
    chooser.show(name);
    preset.show(kernel.data);
    for (const { take, values } of kernels) take.setAttribute("aria-pressed", String(same(values, kernel.data)));
    output.hidden = image.height < size || image.width < size;
    if (!output.hidden) {
      map = convolve(image, { data: kernel.data, height: size, width: size, channels: 1 }, [0]);
      paint(output.canvas, map, { scale: "signed" });
      output.ramp(range(map.data, "signed")[1].toFixed(2));
    }
    look();
  };

  fill(
    el,
    element("div", { class: "trio" }, input, operator("⊛"), grid, operator("="), output),
    said,
    element("div", { class: "controls" }, preset, chooser, own),
    wrong,
    element("div", {}, element("p", { class: "title" }, "The 16 kernels of conv1, which the network has learned. Press one to try it."), shelf),
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
      throw new Error(`${file.name} is not a picture that this browser can read. Choose a PNG, JPEG or WebP file.`);
    });
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width * height > LARGEST) {
      throw new Error(`${file.name} has ${width} × ${height} pixels, more than ${LARGEST / 1e6} million. Choose a smaller one.`);
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
