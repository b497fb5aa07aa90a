// Builds dist: the compiled nodes and credentials, and beside them the icons and codex files as they are.
//
// It must not know what the nodes do.

import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));

rmSync(join(root, 'dist'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [join(typescript, 'bin', 'tsc')], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

cpSync(join(root, 'icons'), join(root, 'dist', 'icons'), { recursive: true });
cpSync(join(root, 'nodes'), join(root, 'dist', 'nodes'), {
  recursive: true,
  filter: (path) => !path.endsWith('.ts'),
});
