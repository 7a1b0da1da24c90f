import type { DynamicModule, ForwardReference, Type } from '@nestjs/common';
import { boundedModuleSpec } from '../bus/index.js';
import { StartupError } from '../contract/index.js';
import type { SharedImports } from './application.js';

class SharedModule {}

/**
 * The `imports` of an application, as one global module of a container: their exports can be injected in each module of
 * the container, even if they are not global themselves.
 * @throws StartupError for `imports` that are not a function, return a bounded module, or fail.
 */
export async function sharedModule(imports: SharedImports, module: string): Promise<DynamicModule> {
  if (typeof imports !== 'function')
    throw failure(module, 'they are not a function', 'Write `imports: () => [ConfigModule.forRoot(), …]`.');
  let made: (Type | DynamicModule | ForwardReference)[];
  try {
    // a module may come as a promise, as that of @nestjs/config does
    made = await Promise.all(imports(module).map((one) => Promise.resolve(one)));
  } catch (error) {
    const failed = failure(
      module,
      error instanceof Error ? error.message : String(error),
      'Correct what the error names; nothing was started.',
    );
    failed.cause = error;
    throw failed;
  }
  const classes = made.map((one) => classOf(one));
  const bounded = classes.find((cls) => cls !== undefined && boundedModuleSpec(cls));
  if (bounded)
    throw failure(
      module,
      `${bounded.name} is a bounded module`,
      'List it in `modules` of the application; others name its contract in `uses`.',
    );
  return {
    module: SharedModule,
    global: true,
    imports: made,
    exports: classes.filter((cls) => cls !== undefined),
  };
}

function classOf(imported: Type | DynamicModule | ForwardReference): Type | undefined {
  if (typeof imported === 'function') return imported;
  if ('module' in imported) return imported.module;
  return (imported.forwardRef as () => Type)();
}

function failure(module: string, fact: string, cure: string): StartupError {
  return new StartupError('imports', `the \`imports\` of the application for ${module}: ${fact}`, cure, { module });
}
