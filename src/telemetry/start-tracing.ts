import type { Environment } from '../std/clock.js';
import type { Logger } from './logger.js';
import type { OtlpOptions } from './otlp-tracer.js';
import type { Tracer } from './tracer.js';

/** The tracer; null without options. OpenTelemetry is loaded here and only when it is used. */
export async function startTracing(
  options: OtlpOptions | null,
  { environment, logger }: { readonly environment: Environment; readonly logger: Logger },
): Promise<Tracer | null> {
  if (options === null) return null;
  const { createOtlpTracer } = await import('./otlp-tracer.js');
  return createOtlpTracer(options, environment, logger);
}
