export declare function aliasTarget(folder: string, specifier: string): string | undefined;
