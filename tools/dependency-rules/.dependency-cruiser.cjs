/**
 * Who may import whom, as ARCHITECTURE.md draws it. The two tables are the whole truth: what they do not allow is an error.
 */

/** Package → the packages of this workspace that it may import. */
const PACKAGES = {
  protocol: [],
  'shared-memory': [],
  'backend-sdk': ['protocol'],
  client: ['protocol'],
  core: ['protocol', 'backend-sdk', 'shared-memory'],
  // Never `core`, which finds backends at run time, and never one another.
  'backend-(?!sdk/)[^/]+': ['backend-sdk'],
  'repoagent-[^/]+': ['backend-sdk'],
  // An HTTP plugin: core finds it as it finds backends.
  openai: ['backend-sdk', 'protocol'],
};

/** What all parts know models by. */
const MODEL_IDENTIFIER = 'model-identifier.ts';

/** Folder of packages/core/src → the other folders, or files, of it that it may import. The files beside them know all. */
const CORE_FOLDERS = {
  protocol: ['service', 'request', 'response', 'telemetry', 'memory'],
  // The protocols in threads of their own: what is sent between them and the serving thread.
  front: [
    'protocol',
    'service',
    'response',
    'telemetry',
    'options/resolve-endpoints.ts',
    'instance/batch-transfer.ts',
    'instance/executor-messages.ts',
    'memory/idle-collection.ts',
    'memory/large-buffer.ts',
    'plugin',
  ],
  service: ['model', 'request', 'response', 'memory', 'telemetry', 'scheduler/clock.ts', MODEL_IDENTIFIER],
  model: [
    MODEL_IDENTIFIER,
    'repository',
    'scheduler',
    'instance',
    'backend',
    'agent',
    'cache',
    'telemetry',
    'request',
    'response',
  ],
  instance: ['scheduler', 'backend', 'request', 'response', 'memory', 'telemetry'],
  scheduler: ['ensemble', 'request', 'response', 'telemetry', MODEL_IDENTIFIER],
  cache: ['scheduler', 'request', 'response', 'telemetry'],
  request: ['response', 'memory', 'telemetry'],
  response: ['memory'],
  backend: [],
  // Repository agents are found as backends are, and so are plugins of the HTTP endpoint.
  agent: ['backend'],
  plugin: ['backend'],
  repository: ['ensemble', MODEL_IDENTIFIER],
  // What the configuration of an ensemble says, read at load and looked at by its scheduler.
  ensemble: [],
  memory: [],
  telemetry: [],
  options: ['cache/cache-options.ts', 'telemetry'],
  // The command line starts a server as any embedder does, so it sees what the files beside it see.
  command: ['[^/]+', '[^/]+\\.ts'],
};

/** Tests and the builders they share may reach further. */
const TESTS = ['\\.test\\.ts$', '/testing/', '^packages/[^/]+/test/'];

const packageRules = Object.entries(PACKAGES).map(([name, allowed]) => {
  return {
    name: `package ${name.replace('(?!sdk/)[^/]+', '*')}`,
    comment: `may import ${allowed.join(', ') || 'no other package'}`,
    severity: 'error',
    from: { path: `^packages/(${name})/src/`, pathNot: TESTS },
    to: { path: '^packages/', pathNot: `^packages/(${['$1', ...allowed].join('|')})/` },
  };
});

const coreRules = Object.entries(CORE_FOLDERS).map(([folder, allowed]) => ({
  name: `core ${folder}`,
  comment: `may import ${allowed.join(', ') || 'no other folder of core'}`,
  severity: 'error',
  from: { path: `^packages/core/src/${folder}/`, pathNot: TESTS },
  to: {
    path: '^packages/core/src/',
    pathNot: [folder, ...allowed].map(
      (part) => `^packages/core/src/${part}${part.endsWith('.ts') ? '$' : '/'}`,
    ),
  },
}));

module.exports = {
  forbidden: [
    ...packageRules,
    ...coreRules,
    {
      name: 'core has no such folder',
      comment: 'a new folder of core needs a line in the table of allowed imports',
      severity: 'error',
      from: {
        path: '^packages/core/src/[^/]+/',
        pathNot: `^packages/core/src/(${Object.keys(CORE_FOLDERS).join('|')})/`,
      },
      to: {},
    },
    {
      name: 'no cycle',
      comment: 'modules that import each other cannot be understood or tested alone',
      severity: 'error',
      from: { pathNot: TESTS },
      to: { circular: true },
    },
    {
      name: 'no reaching in',
      comment: "a package is used through its exports only, never through another package's src",
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/[^/]+/src/', pathNot: '^packages/$1/' },
    },
    {
      name: 'no undeclared dependency',
      comment: 'what is imported is in the package.json of the package that imports it',
      severity: 'error',
      from: { pathNot: TESTS },
      // A peer is in its package's own node_modules as a development dependency, too.
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], dependencyTypesNot: ['npm-peer'] },
    },
    {
      name: 'no unresolvable import',
      comment: 'the build writes what packages import from each other: has it run?',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    // Type imports count: an edge that only types use still ties two folders together.
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
