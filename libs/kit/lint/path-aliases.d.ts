export declare function aliasTarget(root: string, specifier: string): string | undefined;
