// Cuts and minifies what the site delivers. Called by delivery.py: reads a JSON object from its input and writes one.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

import { build, transform } from "esbuild";
import { PurgeCSS } from "purgecss";
import { optimize } from "svgo";

// What Bootstrap adds to a page while it is read: tooltips, menus, the entry of the contents where the reader is.
const BY_BOOTSTRAP = [/^(active|collapsing|collapsed|disabled|fade|show|showing)$/, /^(bs-)?tooltip/, /^data-popper/];

const { stock, own, words, script, modules, figures, cells } = JSON.parse(readFileSync(0, "utf8"));
const [{ css }] = await new PurgeCSS().purge({
  content: [{ raw: words, extension: "txt" }],
  css: [{ raw: stock }],
  safelist: { standard: BY_BOOTSTRAP },
  keyframes: true,
});
const options = { minify: true, charset: "utf8", legalComments: "none" };
const [style, code, bootstrap] = await Promise.all([
  transform(css + own, { ...options, loader: "css" }),
  transform(script, { ...options, loader: "js", target: "es2022" }),
  build({
    ...options,
    bundle: true,
    entryPoints: [fileURLToPath(new URL("bootstrap.mjs", import.meta.url))],
    target: "es2022",
    write: false,
  }),
]);
const small = Object.entries(modules).map(async ([name, text]) => [name, await asOne(text)]);
// What runs cells, with its editor in a file of its own that is loaded at the first edit.
if (cells) {
  const { outputFiles } = await build({
    ...options,
    entryPoints: [cells],
    bundle: true,
    splitting: true,
    write: false,
    format: "esm",
    target: "es2022",
    outdir: "cells",
    banner: { js: "/* With CodeMirror and Lezer: MIT licence, copyright Marijn Haverbeke and others */" },
  });
  small.push(...outputFiles.map(async ({ path, text }) => [`cells/${basename(path)}`, text]));
}
const parts = bootstrap.outputFiles[0].text + code.code;
const made = {
  style: style.code,
  script: parts,
  modules: Object.fromEntries(await Promise.all(small)),
  figures: Object.fromEntries(Object.entries(figures).map(([page, drawings]) => [page, drawings.map(smaller)])),
};
process.stdout.write(JSON.stringify(made));

/** Write a still figure shorter. Its coordinates are in points, so two decimals are finer than any screen. */
function smaller(svg, place) {
  const plugins = [
    { name: "preset-default", params: { overrides: { removeUnknownsAndDefaults: { keepRoleAttr: true } } } },
    { name: "prefixIds", params: { prefix: `f${place}`, delim: "", prefixClassNames: false } },
  ];
  return optimize(svg, { floatPrecision: 2, multipass: true, plugins }).data;
}

/**
 * Minify a figure's module. It comes with those that it imports in one text, each as a function's result (see
 * convbook/widgets/bundle.py). Apart again, what nobody uses of them is left out, and names are short in all of them.
 */
async function asOne(text) {
  const imports = (code) => code.replace(/^const (\{[^}]*\}) = (\w+)_module;$/gm, 'import $1 from "$2";');
  const apart = {};
  const main = text.replace(/^const (\w+)_module = \(\(\) => \{\n([^]*?)\nreturn (\{.*\});\n\}\)\(\);\n/gm, (_, name, code, names) => {
    apart[name] = `${imports(code)}\nexport ${names};`;
    return "";
  });
  const { outputFiles } = await build({
    ...options,
    stdin: { contents: imports(main) },
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
    plugins: [{
      name: "parts",
      setup({ onResolve, onLoad }) {
        onResolve({ filter: /./ }, ({ path }) => (path in apart ? { path, namespace: "parts" } : { external: true }));
        onLoad({ filter: /./, namespace: "parts" }, ({ path }) => ({ contents: apart[path] }));
      },
    }],
  });
  return outputFiles[0].text;
}
