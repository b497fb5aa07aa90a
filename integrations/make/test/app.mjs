// Reads the app as Make's editor does: the manifest, and the files that it names.
//
// It knows the layout of an app and nothing of what the files mean.

import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const folder = fileURLToPath(new URL('../app/', import.meta.url));

/** JSON with `//` comments, which Make allows. Texts are matched first, so that a // in an address is left alone. */
function parseJsonc(text) {
  return JSON.parse(text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*/g, (_, string) => string ?? ''));
}

export const readJson = (path) => parseJsonc(readFileSync(join(folder, path), 'utf8'));

/** The paths of all files of the app. */
export function files(inside = folder) {
  return readdirSync(inside, { withFileTypes: true }).flatMap((entry) => {
    const path = join(inside, entry.name);
    return entry.isDirectory() ? files(path) : [relative(folder, path)];
  });
}

export const manifest = readJson('makecomapp.json');

/** The paths that the manifest names. */
export function named() {
  const components = Object.values(manifest.components).flatMap((kind) => Object.values(kind));
  return [manifest.generalCodeFiles, ...components.map((component) => component.codeFiles)]
    .flatMap((codeFiles) => Object.values(codeFiles))
    .filter((path) => path !== null);
}

/** A component with its files read: `component('module', 'getTask').communication`. */
export function component(kind, id) {
  const meta = manifest.components[kind][id];
  if (!meta) throw new Error(`the app has no ${kind} ${id}`);
  const read = Object.entries(meta.codeFiles).map(([block, path]) => [block, path && readJson(path)]);
  return { ...meta, ...Object.fromEntries(read) };
}

export const base = readJson(manifest.generalCodeFiles.base);
