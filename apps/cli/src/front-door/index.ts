export { frontDoor, type FrontDoor, type FrontDoorOptions } from './front-door.js';
