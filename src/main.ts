#!/usr/bin/env node
const args = process.argv.slice(2);

// A node starts without the command line's parser, and a command without a node: each loads what it needs.
if (args.length === 0 || (args.length === 1 && args[0] === 'serve')) {
  const { serve } = await import('./cli/serve.js');
  await serve();
} else {
  const { runProgram } = await import('./cli/run-program.js');
  await runProgram(args);
}

export {};
