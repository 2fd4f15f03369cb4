/** What an entry of an origin list may be: an origin, or all subdomains of a host (`https://*.example.com`, not `example.com` itself). */
export const originShape = /^https?:\/\/(\*\.(?=[^/\s,*]*\.))?[^/\s,*]+$/;

/**
 * Compiles a list of origins and `https://*.example.com`. A star stands for one or more whole labels of the host and for nothing else: the scheme
 * and the port are compared as they are, so neither `https://example.com.evil.net` nor `https://evil-example.com` is let in. `*` alone, which lets
 * pages of any origin read what is open to all, is nobody's origin here: not even that of `null`.
 */
export function compileOrigins(origins: readonly string[]): (origin: string) => boolean {
  const allowed = origins.filter((entry) => originShape.test(entry));
  const exact = new Set(allowed.filter((entry) => !entry.includes('*')).map((entry) => entry.toLowerCase()));
  const patterns = allowed
    .filter((entry) => entry.includes('*'))
    .map((entry) => {
      const [scheme, suffix] = entry.toLowerCase().split('*');
      return { scheme: scheme ?? '', suffix: suffix ?? '' };
    });
  return (origin) => {
    if (exact.has(origin)) return true;
    return patterns.some(({ scheme, suffix }) => {
      if (!origin.startsWith(scheme) || !origin.endsWith(suffix)) return false;
      return labels.test(origin.slice(scheme.length, origin.length - suffix.length));
    });
  };
}

const labels = /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,8}$/;
