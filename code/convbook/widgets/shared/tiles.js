/**
 * Maps or kernels beside each other, with the same gap between all of them and the same size for all of their values.
 *
 * @typedef {import("./convolution.js").Maps} Maps
 */
import { ink, inTheme, paint, picture } from "./pictures.js";

const ROWS = 2;
const GAP = 3; // pixels of the page

/**
 * Paint them in two rows, as large as there is room. Signed ones get a border, as their zeros look like the ground.
 *
 * @param {ReturnType<typeof picture>} figure
 * @param {Maps} maps
 * @param {number} wide pixels of the page that the figure has: who paints several reads all widths first, so that the
 *   browser lays out the page only once
 * @param {"bright" | "signed"} scale as in `paint`
 */
export function paintTiles(figure, maps, wide, scale = "bright") {
  const { canvas } = figure;
  const source = document.createElement("canvas");
  inTheme(canvas, () => {
    const columns = Math.ceil(maps.channels / ROWS);
    paint(source, maps, { scale, columns }); // one pixel for a value, and one between two maps
    const gap = Math.round(GAP * devicePixelRatio);
    const border = scale === "signed" ? Math.round(devicePixelRatio) : 0;
    const room = Math.floor((wide * devicePixelRatio + gap) / columns) - gap - 2 * border;
    const whole = room >= 2 * maps.width || border > 0; // then each value gets the same number of pixels
    const width = Math.max(1, whole ? room - (room % maps.width) : room);
    const height = Math.round((width * maps.height) / maps.width);
    const [across, down] = [width + 2 * border + gap, height + 2 * border + gap];
    [canvas.width, canvas.height] = [columns * across - gap, ROWS * down - gap];
    canvas.style.width = `${canvas.width / devicePixelRatio}px`;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.imageSmoothingEnabled = !whole;
    for (let c = 0; c < maps.channels; c++) {
      const [column, row] = [c % columns, Math.floor(c / columns)];
      const [x, y] = [column * across, row * down];
      if (border) {
        context.fillStyle = ink("edge");
        context.fillRect(x, y, width + 2 * border, height + 2 * border);
        context.fillStyle = ink("paper");
        context.fillRect(x + border, y + border, width, height);
      }
      const from = [column * (maps.width + 1), row * (maps.height + 1), maps.width, maps.height];
      context.drawImage(source, from[0], from[1], from[2], from[3], x + border, y + border, width, height);
    }
  });
}
