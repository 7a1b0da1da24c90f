/** Files that may load modules: the application's list of them. */
export declare const MODULE_LIST: RegExp;
export declare const APP_MODULE: RegExp;
/** Whether a path below a package's root is that of a test. */
export declare function isTest(root: string, path: string): boolean;
/** An application whose name says so. */
export declare const APPLICATION: RegExp;
