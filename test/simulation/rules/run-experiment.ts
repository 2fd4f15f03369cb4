import { runSeeds } from '../run-seeds.js';
import { allWeather, calmWeather, type Weather } from '../sim-world.js';
import type { ProbeName } from './experiments.js';
import { probes } from './probes.js';

/** `node run-experiment.js seeds 1 500`, `… calmSeeds 1 500` or `node run-experiment.js <probe>`: prints what failed, or `held`. */
const [what = '', first = '1', count = '1'] = process.argv.slice(2);
const runWeather = async (weather: Weather): Promise<string | null> =>
  (await runSeeds(Number(first), Number(count), weather))?.story.split('\n')[0] ?? null;
const failure =
  what === 'seeds'
    ? await runWeather(allWeather)
    : what === 'calmSeeds'
      ? await runWeather(calmWeather)
      : await probes[what as ProbeName]();
process.stdout.write(failure === null ? 'held' : `failed: ${failure}`);
process.exit(0);
