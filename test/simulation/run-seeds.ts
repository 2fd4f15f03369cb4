import { allWeather, SimWorld, type Weather } from './sim-world.js';

export interface SeedFailure {
  readonly seed: number;
  readonly message: string;
  /** The end of the run, step by step. */
  readonly story: string;
}

/** Runs seeds until one fails; null when none does. The same seed replays the same run. */
export async function runSeeds(first: number, count: number, weather: Weather = allWeather): Promise<SeedFailure | null> {
  for (let seed = first; seed < first + count; seed++) {
    const failure = await runSeed(seed, weather);
    if (failure !== null) return failure;
  }
  return null;
}

export async function runSeed(seed: number, weather: Weather = allWeather): Promise<SeedFailure | null> {
  const world = new SimWorld(seed, weather);
  try {
    await world.run();
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error && error.constructor.name !== 'Violation' ? `\n${error.stack ?? ''}` : '';
    return { seed, message, story: `seed ${seed}: ${message}${stack}\n${world.trace.slice(-400).join('\n')}` };
  }
}
