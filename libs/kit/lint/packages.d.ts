export declare const PASSED_BY: ReadonlySet<string>;
/** The patterns of a workspace: `workspaces` in package.json, or `packages` in pnpm-workspace.yaml; undefined when the folder is no workspace. It must have a package.json. */
export declare function workspacePatterns(root: string): readonly string[] | undefined;
/** The folders of a workspace's packages, absolute when the root is. */
export declare function packageFolders(root: string): readonly string[];
export declare function exportKeys(exports: unknown): readonly string[] | undefined;
export declare function readJson(file: string): unknown;
