// What a scenario blueprint must be for Make to import it and for anybody to share it.
//
// Each rule is a generator of faults under a name. It must not know BTK: what belongs to single modules
// stands in blueprint-modules.mjs.

import { KNOWN_FUNCTIONS, nodes } from './blueprint-iml.mjs';
import { MODULE_RULES } from './blueprint-modules.mjs';

const SCENARIO = {
  roundtrips: 'number', maxErrors: 'number', autoCommit: 'boolean', autoCommitTriggerLast: 'boolean',
  sequential: 'boolean', confidential: 'boolean', dataloss: 'boolean', dlq: 'boolean', freshVariables: 'boolean',
};
const OPERATORS = ['text:equal', 'text:equal:ci', 'text:notequal', 'number:greater', 'number:less', 'number:equal',
  'boolean:equal', 'exist', 'notexist'];
const ACCOUNT_BOUND = ['__IMTCONN__', '__IMTKEY__', 'account', 'accountImap', 'hook', 'datastore', 'apiKeyKeychain',
  'basicAuthKeychain', 'oAuthAccount', 'proxyKeychain', 'bodyDataStructure', 'teamId', 'zone'];
const EXPORTER_ONLY = ['restore', 'expect', 'interface', 'parameters', 'advanced'];
const DIRECTIVES = ['Ignore', 'Resume', 'Commit', 'Rollback', 'Break'].map((name) => `builtin:${name}`);
const RETIRED = ['http:ActionSendData', 'builtin:IgnoreError', 'placeholder:Placeholder'];

/** Every module with the flow it stands in, also inside routes and error handlers. */
export function* modules(flow, kind = 'scenario') {
  for (const [index, module] of flow.entries()) {
    yield { module, flow, index, kind };
    for (const route of module.routes ?? []) yield* modules(route.flow ?? [], 'route');
    if (module.onerror) yield* modules(module.onerror, 'onerror');
  }
}

/** Every text with the keys that lead to it. */
export function* texts(value, path = []) {
  if (typeof value === 'string') yield { text: value, path };
  else if (value && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) yield* texts(inner, [...path, key]);
  }
}

function* keys(value) {
  if (!value || typeof value !== 'object') return;
  for (const [key, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) yield key;
    yield* keys(inner);
  }
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** Walks each path in the order in which Make runs it and says which earlier modules may be mapped. */
function* reachable(flow, before = []) {
  const seen = [...before];
  for (const module of flow) {
    const { feeder } = module.parameters ?? {};
    yield { module, seen: [...seen] };
    for (const route of module.routes ?? []) yield* reachable(route.flow ?? [], [...seen, module.id]);
    if (module.onerror) yield* reachable(module.onerror, [...seen, module.id]);
    // An aggregator hands on nothing of what stands between it and its feeder.
    if (seen.includes(feeder)) seen.splice(seen.indexOf(feeder));
    seen.push(module.id);
  }
}

const BLUEPRINT_RULES = {
  *'top level'(blueprint) {
    for (const key of Object.keys(blueprint)) {
      if (!['name', 'description', 'flow', 'metadata'].includes(key)) yield `${key} does not belong there`;
    }
  },
  *'name'({ name }) {
    if (typeof name !== 'string' || name.length < 1 || name.length > 120) yield 'the name has 1 to 120 characters';
  },
  *'flow'({ flow }) {
    if (!Array.isArray(flow) || flow.length === 0) yield 'the flow is a list with modules';
  },
  *'metadata'({ metadata }) {
    if (metadata?.version !== 1) yield 'metadata.version is 1';
    if (!Array.isArray(metadata?.designer?.orphans)) yield 'metadata.designer.orphans is a list';
    for (const [key, type] of Object.entries(SCENARIO)) {
      if (typeof metadata?.scenario?.[key] !== type) yield `metadata.scenario.${key} is a ${type}`;
    }
    for (const key of Object.keys(metadata?.scenario ?? {})) {
      if (!(key in SCENARIO)) yield `metadata.scenario.${key} is not known`;
    }
  },
  *'unique ids'({ flow }) {
    const seen = new Set();
    for (const { module } of modules(flow)) {
      if (!Number.isInteger(module.id) || module.id < 1) yield `the id ${module.id} is not a positive integer`;
      if (seen.has(module.id)) yield `the id ${module.id} stands twice`;
      seen.add(module.id);
    }
  },
  *'module names'({ flow }) {
    for (const { module } of modules(flow)) {
      if (!/^[a-z][a-z0-9-]*:[A-Za-z0-9]+$/.test(module.module)) yield `${module.module} is not a name of a module`;
      if (!Number.isInteger(module.version) || module.version < 1) yield `${module.module} has no version`;
      if (RETIRED.includes(module.module)) yield `${module.module} is not to be used any more`;
    }
  },
  *'account-bound keys'(blueprint) {
    for (const key of keys(blueprint)) if (ACCOUNT_BOUND.includes(key)) yield `${key} belongs to somebody's account`;
  },
  *'exporter-only metadata'({ flow }) {
    for (const { module } of modules(flow)) {
      for (const key of Object.keys(module.metadata ?? {})) {
        if (EXPORTER_ONLY.includes(key)) yield `module ${module.id}: metadata.${key} is left over from an export`;
      }
    }
  },
  *'designer positions'({ flow }) {
    const places = new Set();
    for (const { module } of modules(flow)) {
      const { x, y } = module.metadata?.designer ?? {};
      if (!Number.isInteger(x / 300) || !Number.isInteger(y / 150)) yield `module ${module.id} is off the grid`;
      if (places.has(`${x} ${y}`)) yield `module ${module.id} covers another one`;
      places.add(`${x} ${y}`);
    }
  },
  *'routers'({ flow }) {
    for (const { module } of modules(flow)) {
      if (module.module !== 'builtin:BasicRouter') {
        const hasMapper = isObject(module.mapper) || DIRECTIVES.includes(module.module);
        if (!hasMapper) yield `module ${module.id}: only a router's mapper is null`;
        continue;
      }
      if (module.mapper !== null) yield `router ${module.id}: its mapper is null`;
      if (module.filter) yield `router ${module.id}: a filter stands on the first module of a route`;
      if (!module.routes?.length) yield `router ${module.id} has no routes`;
      for (const route of module.routes ?? []) if (!route.flow?.length) yield `router ${module.id}: an empty route`;
    }
  },
  *'filters'({ flow }) {
    for (const { module, index, kind } of modules(flow)) {
      const { filter } = module;
      if (!filter && kind === 'route' && index === 0) yield `module ${module.id}: a route says when it is taken`;
      if (!filter) continue;
      if (kind === 'scenario' && index === 0) yield 'the first module of a scenario has no filter';
      if (!filter.name || !filter.conditions?.length) yield `module ${module.id}: a filter has a name and conditions`;
      for (const all of filter.conditions ?? []) {
        if (!Array.isArray(all) || all.length === 0) yield `module ${module.id}: conditions are lists in a list`;
        for (const { a, o, b } of Array.isArray(all) ? all : []) {
          const binary = o !== 'exist' && o !== 'notexist';
          if (!OPERATORS.includes(o)) yield `module ${module.id}: the operator ${o} is not known`;
          if (typeof a !== 'string' || (binary ? typeof b !== 'string' : b !== undefined)) {
            yield `module ${module.id}: a condition is {a, o, b}, without b for exist and notexist`;
          }
        }
      }
    }
  },
  *'references'({ flow }) {
    for (const { module, seen } of reachable(flow)) {
      const own = { parameters: module.parameters, mapper: module.mapper, filter: module.filter };
      for (const { text } of texts(own)) {
        for (const { path } of nodes(text)) {
          const isMissing = path && !seen.includes(Number(path[0]));
          if (isMissing) yield `module ${module.id} maps ${path[0]}, which is not before it`;
        }
      }
      const { feeder } = module.parameters ?? {};
      if (feeder !== undefined && !seen.includes(feeder)) yield `module ${module.id}: its feeder is not before it`;
    }
  },
  *'expressions'(blueprint) {
    for (const { text } of texts(blueprint)) {
      try {
        for (const { call, variable } of nodes(text)) {
          if (call && !KNOWN_FUNCTIONS.includes(call)) yield `${call} is not a function`;
          if (variable && !['now', 'emptystring'].includes(variable)) yield `${variable} is not a variable`;
        }
      } catch (error) {
        yield error.message;
      }
    }
  },
  *'error handlers'({ flow }) {
    for (const { module } of modules(flow)) {
      if (module.onerror && !DIRECTIVES.includes(module.onerror.at(-1)?.module)) {
        yield `module ${module.id}: an error handler ends in one of ${DIRECTIVES.join(', ')}`;
      }
    }
  },
  *'nothing of anybody'(blueprint) {
    for (const { text, path } of texts(blueprint)) {
      const at = path.join('.');
      for (const [, host] of text.matchAll(/https?:\/\/([^/{"\s]*)/g)) {
        if (!/(^|\.)example\.com$/.test(host)) yield `${at} leads to somebody's address`;
      }
      for (const [, host] of text.matchAll(/[\w.+-]+@([\w.-]+)/g)) {
        if (host !== 'example.com') yield `${at} is somebody's mail address`;
      }
      if (/whsec_|[A-Za-z0-9+/]{32}|[0-9a-f]{24}/.test(text.replaceAll(/\{\{.*?\}\}/g, ''))) yield `${at} looks secret`;
    }
  },
};

const RULES = { ...BLUEPRINT_RULES, ...MODULE_RULES };

/** The names of all rules. */
export const RULE_NAMES = Object.keys(RULES);

/** Every fault of a blueprint, each as `{rule, says}`. */
export function faults(blueprint) {
  const found = [];
  for (const [rule, check] of Object.entries(RULES)) {
    try {
      for (const says of check(blueprint, [...modules(blueprint.flow ?? [])])) found.push({ rule, says });
    } catch (error) {
      found.push({ rule, says: `could not be checked: ${error.message}` });
    }
  }
  return found;
}
