#!/usr/bin/env node
'use strict';
// V8's compiled code is kept between starts: a quarter of the start-up time.
require('node:module').enableCompileCache();
require('../dist/nereid.cjs');
