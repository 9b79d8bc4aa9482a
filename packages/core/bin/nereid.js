#!/usr/bin/env node
// V8's compiled code is kept between starts: a quarter of the start-up time.
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('../dist/nereid.js');
