import { createHash } from 'node:crypto';

/** The layout of keys. Part of what nodes of one deployment agree on: a change of meaning needs another version. */
const layoutVersion = 'l1';

/** Names the keys of limits. All of one user share a hash tag, all of one tenant another, so that one script reaches them in a Cluster. */
export class LimitKeys {
  readonly nodes: string;
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = `${prefix}:${layoutVersion}`;
    this.nodes = `${this.#prefix}:nodes`;
  }

  streams(user: string): string {
    return `${this.#prefix}:{u:${keyPart(user)}}:streams`;
  }

  userConnects(user: string): string {
    return `${this.#prefix}:{u:${keyPart(user)}}:connects`;
  }

  userPublishes(user: string): string {
    return `${this.#prefix}:{u:${keyPart(user)}}:publishes`;
  }

  tenantStreams(tenant: string): string {
    return `${this.#prefix}:{t:${keyPart(tenant)}}:streams`;
  }

  tenantConnects(tenant: string): string {
    return `${this.#prefix}:{t:${keyPart(tenant)}}:connects`;
  }

  tenantPublishes(tenant: string): string {
    return `${this.#prefix}:{t:${keyPart(tenant)}}:publishes`;
  }
}

const plain = /^[A-Za-z0-9._:@~-]{1,100}$/;

/** Names come from tokens: what is long or holds a brace would break the hash tag, so it goes in as a hash (`#` is in no plain name). */
function keyPart(name: string): string {
  return plain.test(name) ? name : `#${createHash('sha256').update(name).digest('base64url').slice(0, 22)}`;
}
