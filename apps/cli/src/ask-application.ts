import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { relative } from 'node:path';
import { EXIT_CONFIG } from '@fledge/kit/operations';
import type { Project } from './project.js';

/** What the built application is asked to do. */
export interface Question {
  /** Its arguments, the first two of which name the work: `--migration run`. */
  readonly args: readonly string[];
  /** Besides the variables of this process: what other users of the machine must not read in the arguments. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called with its output. */
  readonly told: (text: string) => void;
}

/** Why it did not do it. */
export interface Refusal {
  readonly fact: string;
  readonly cure: string;
}

/** Runs the built application, which knows its modules; returns its own words if it fails. */
export async function askApplication(project: Project, { args, env, told }: Question): Promise<Refusal | undefined> {
  const child = spawn(process.execPath, [project.app, ...args], {
    cwd: project.root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', told);
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) {
    process.stderr.write(complaint);
    return undefined;
  }
  const lines = complaint.trimEnd().split('\n');
  if (code !== EXIT_CONFIG)
    return {
      fact: `${relative(project.root, project.app)} ${args.slice(0, 2).join(' ')} failed: ${lines.join('\n')}`,
      cure: 'Build again, and check that the application starts by itself.',
    };
  const hint = lines.length > 1 ? lines.pop()?.trim() : undefined;
  return { fact: lines.join('\n').replace(/\.$/, ''), cure: hint ?? 'Correct it.' };
}
