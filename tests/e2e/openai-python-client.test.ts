/** The official PyPI package `openai` against the server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { addOpenAiModels } from '../llm/openai-models.ts';
import { startScriptedEngine } from '../llm/scripted-engine.ts';
import { pythonVenv } from '../python/venv.ts';
import { makeRepository } from '../server/make-repository.ts';
import { servePython } from '../server/python-models.ts';
import { ROOT } from '../server/start-server.ts';

const CHECKS = `${ROOT}tests/llm/clients/openai_checks.py`;

test("Python's client: every check holds", { timeout: 120_000 }, async () => {
  await using engine = await startScriptedEngine();
  await using repository = makeRepository();
  addOpenAiModels(repository, engine.url);
  await using server = await servePython(repository);
  const run = promisify(execFile)(pythonVenv(), [CHECKS, server.http]).catch((error: unknown) => error);
  const { stdout } = (await run) as { readonly stdout: string };
  const failed = stdout.split('\n').filter((line) => line.startsWith('not ok'));
  assert.deepEqual(failed, []);
  assert.ok(stdout.split('\n').filter((line) => line.startsWith('ok')).length >= 30, stdout);
});
