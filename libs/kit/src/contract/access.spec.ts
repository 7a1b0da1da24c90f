import { Command } from '@nestjs/cqrs';
import { IsOptional, IsString } from 'class-validator';
import { type AccessRule, type Class, CommandContract, defineContract, StartupError } from './index.js';

class Fields extends Command<void> {
  @IsString() readonly userId!: string;
  @IsOptional() @IsString() readonly other?: string;
  @IsString({ each: true }) readonly list!: string[];
}

function messageWith(access: AccessRule | undefined): Class {
  class Open extends Fields {}
  CommandContract('desk.open.v1', access ? { access } : {})(Open);
  return Open;
}

const ofMessage = (access: unknown) => () =>
  defineContract({ name: 'desk', commands: [messageWith(access as AccessRule)] });
const ofContract = (access: unknown) => () => defineContract({ name: 'desk', access: access as AccessRule });

function failureOf(work: () => unknown): StartupError {
  try {
    work();
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('an access rule', () => {
  it.each<AccessRule>([
    { identity: 'required' },
    { identity: 'optional', callers: ['orders'] },
    { identity: 'required', roles: ['clerk'] },
    { roles: ['clerk'], scopes: ['desk:write'], owner: 'userId' },
  ])('can be %j', (access) => {
    expect(ofMessage(access)().messages[0]?.access).toEqual(access);
  });

  it.each([
    [{}, 'does not say whether a user is required'],
    [{ callers: ['orders'] }, 'does not say whether a user is required'],
    [true, 'is not an object'],
    [{ identity: 'maybe' }, "has 'maybe' as identity"],
    [{ role: ['clerk'] }, "has 'role', which no rule has"],
    [{ roles: [] }, 'has roles that are not a list of at least one name'],
    [{ scopes: 'desk' }, 'has scopes that are not a list of at least one name'],
    [{ identity: 'optional', callers: [''] }, 'has callers that are not a list of at least one name'],
    [{ identity: 'optional', roles: ['clerk'] }, 'has an optional identity, but roles, scopes or an owner'],
    [{ owner: 'uesrId' }, "has the owner 'uesrId', which Open does not have"],
    [{ owner: 'other' }, "has the owner 'other', which may be missing or is not a string"],
    [{ owner: 'list' }, "has the owner 'list', which may be missing or is not a string"],
  ])('is refused as %j', (access, fact) => {
    const error = failureOf(ofMessage(access));
    expect(error.code).toBe('fledge.startup.access-rule');
    expect(error.message).toBe(`the access rule of 'desk.open.v1' ${fact}`);
  });

  it('of a contract is that of each message without its own', () => {
    const rule: AccessRule = { identity: 'required' };
    class Close extends Fields {}
    CommandContract('desk.close.v1', { access: { roles: ['clerk'] } })(Close);
    const contract = defineContract({ name: 'desk', commands: [messageWith(undefined), Close], access: rule });
    expect(contract.messages.map(({ access }) => access)).toEqual([rule, { roles: ['clerk'] }]);
    expect(contract.access).toEqual(rule);
    expect(failureOf(ofContract({ owner: 'userId' })).message).toContain('only the rule of one message can name');
  });
});
