#!/usr/bin/env node
'use strict';
// V8's compiled code is kept between starts: a quarter of the start-up time.
const { enableCompileCache, flushCompileCache } = require('node:module');
enableCompileCache();
require('../dist/nereid.cjs');
// Node writes it when a process ends. By then V8 has dropped the code that only a start needs, or the process was killed.
setTimeout(flushCompileCache, 2000).unref();
