// Reads pages in Firefox. Called by test_firefox.py: each line of its input is a JSON list of what to do and of the
// address of a page; the answer is a line with a JSON list of what went wrong.
import { createInterface } from "node:readline";

import puppeteer from "puppeteer-core";

const LONG = 120_000; // milliseconds; Python starts in a few seconds where the machine has nothing else to do
const RIGHT = "my_correlation = [[-2, 3], [5, 5]]\nmy_convolution = [[2, 7], [5, -1]]\n\n";
const CHECK = "check.corr2d_by_hand(my_correlation, my_convolution)";

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Bring all figures of a page to life, and press each of them. */
async function visit(page) {
  for (const place of await page.$$(".interactive")) {
    await place.scrollIntoView();
    await place.waitForSelector(".convbook-figure, .load");
    await (await place.$(".load"))?.click();
    const figure = await place.waitForSelector(".convbook-figure");
    await figure.click();
    await page.keyboard.press("ArrowRight");
  }
  await pause(300);
}

/** Do with the cells of chapter 1 what a reader does. */
async function run(page) {
  const cell = (id) => {
    const tools = `.cell-tools[data-cell="${id}"]`;
    const whole = `.cell:has(${tools})`;
    return {
      press: (action) => page.locator(`${tools} [data-do=${action}]`).click(),
      says: (words, place = `${whole} > .cell_output`) =>
        page.waitForFunction((...[where, text]) => document.querySelector(where)?.textContent.includes(text), {}, place, words),
      tells: (words) => cell(id).says(words, `${tools} .cell-status`),
      async write(code) {
        if (await page.$(`${tools} [data-do=edit]:not([hidden])`)) await cell(id).press("edit");
        await page.locator(`${whole} .cm-content`).click();
        await page.keyboard.down("Control");
        await page.keyboard.press("a");
        await page.keyboard.up("Control");
        await page.keyboard.type(code.replaceAll(/^ +/gm, "")); // the editor indents
      },
    };
  };
  const exercise = cell("cell-30");
  await exercise.write(RIGHT.replace("[[2, 7], [5, -1]]", "my_correlation") + CHECK);
  await exercise.press("run");
  await exercise.says("convolution");
  await page.waitForSelector(`.cell:has([data-cell="cell-30"]) .check.failed`);
  await exercise.write(RIGHT + CHECK);
  await exercise.press("run");
  await page.waitForSelector(`.cell:has([data-cell="cell-30"]) .check.passed`);

  const endless = cell("cell-35");
  await endless.write("while True: pass");
  await endless.press("run");
  await endless.tells("Running");
  await pause(500); // it really runs
  await endless.press("run");
  await endless.tells("All variables are gone");
  await endless.press("reset");
  await cell("cell-7").press("run");
  await cell("cell-7").tells("Done");
  await cell("cell-7").says("[19., 25.]");

  await page.reload();
  await page.waitForFunction(() => document.querySelector(".exercise.solved"));
  await exercise.says("[[2, 7], [5, -1]]", '.cell:has([data-cell="cell-30"]) pre');
}

const browser = await puppeteer.launch({ browser: "firefox", executablePath: process.argv[2] });
for await (const line of createInterface({ input: process.stdin })) {
  const [action, address] = JSON.parse(line);
  const page = await browser.newPage();
  const wrong = [];
  page.setDefaultTimeout(LONG);
  page.on("console", (said) => ["error", "warn"].includes(said.type()) && wrong.push(`${said.type()}: ${said.text()}`));
  page.on("pageerror", (error) => wrong.push(`uncaught: ${error}`));
  page.on("requestfailed", (request) => wrong.push(`failed: ${request.url()}`));
  page.on("response", (answer) => answer.status() >= 400 && wrong.push(`${answer.status()}: ${answer.url()}`));
  page.on("request", (request) => {
    const own = [new URL(address).origin, "data:", "blob:"].some((start) => request.url().startsWith(start));
    if (!own) wrong.push(`left the site: ${request.url()}`);
  });
  try {
    await page.setViewport({ width: 1280, height: 900 });
    await page.goto(address);
    await { visit, run }[action](page);
  } catch (error) {
    wrong.push(String(error));
  }
  console.log(JSON.stringify(wrong));
  await page.close();
}
await browser.close();
