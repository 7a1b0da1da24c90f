import { exportJWK, generateKeyPair } from 'jose';
import { SigningKeys } from '../contract/index.js';
import { eventually } from '../testing/index.js';
import { KEYS_ASKED_EVERY_MS, KEYS_FRESH_MS, KeyRing } from './key-ring.js';
import { KEY_SET_LIFE_MS } from './trust/key-set.js';

describe('the keys for the tokens of users', () => {
  let published: SigningKeys;
  let isAway = false;
  let asked = 0;
  let at = 1_000_000;
  let ring: KeyRing;

  const publish = async (...kids: string[]): Promise<void> => {
    const { publicKey } = await generateKeyPair('EdDSA', { extractable: true });
    const { x } = await exportJWK(publicKey);
    published = new SigningKeys({
      keys: kids.map((kid) => ({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid, x: x as string })),
    });
  };
  beforeEach(async () => {
    [asked, isAway] = [0, false];
    await publish('old');
    ring = new KeyRing({
      ask: () => {
        asked++;
        return isAway ? Promise.reject(new Error('nobody answers')) : Promise.resolve(published);
      },
      now: () => at,
    });
  });
  /** The kids of `all` that are known. */
  const known = async (...all: string[]): Promise<string[]> =>
    (await Promise.all(all.map(async (kid) => ((await ring.find(kid)) ? [kid] : [])))).flat();

  it('are asked for once, and again for one that is not known, not too often', async () => {
    expect(await known('old')).toEqual(['old']);
    await publish('old', 'new');
    expect(await known('new')).toEqual([]);
    at += KEYS_ASKED_EVERY_MS;
    expect(await known('old', 'new')).toEqual(['old', 'new']);
    expect(asked).toBe(2);
  });

  it('are asked for again after a minute, beside the token that finds them old', async () => {
    await known('old');
    await publish('new');
    at += KEYS_FRESH_MS;
    expect(await known('old')).toEqual(['old']);
    await eventually(async () => expect(await known('old')).toEqual([]), 'the ring has asked again');
    expect(asked).toBe(2);
  });

  it('are forgotten after five minutes without an answer', async () => {
    await known('old');
    isAway = true;
    at += KEY_SET_LIFE_MS - 1;
    expect(await known('old')).toEqual(['old']);
    at += 1;
    await expect(ring.find('old')).rejects.toThrow('nobody answers');
    isAway = false;
    expect(await known('old')).toEqual(['old']);
  });
});
