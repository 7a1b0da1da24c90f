export declare const PASSED_BY: ReadonlySet<string>;
export declare function workspacePatterns(root: string): readonly string[] | undefined;
export declare function packageFolders(root: string): readonly string[];
export declare function exportKeys(exports: unknown): readonly string[] | undefined;
