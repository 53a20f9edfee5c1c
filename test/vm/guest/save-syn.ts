/** usage: save-syn PID... Has their listeners keep their SYNs. Prints how many each has, as JSON. */
import { saveSyns } from '../../../src/kernel/save-syn.ts';

console.log(JSON.stringify(process.argv.slice(2).map((pid) => saveSyns(Number(pid)))));
