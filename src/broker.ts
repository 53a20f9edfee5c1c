/** Acts as the person whose SSH connection it is: their agent, their key files, their known_hosts. Holds no privilege. */
import { createInterface } from 'node:readline';
import { brokerFor, type Person } from './broker/serve.ts';

const argument = process.argv[2];
if (argument === undefined) {
  process.stderr.write('broker: started by hoplined only, which asks over its input\n');
  process.exit(2);
}

const answers = brokerFor(JSON.parse(argument) as Person) as unknown as Readonly<
  Record<string, (detail: unknown) => Promise<unknown>>
>;

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { seq, question, detail } = JSON.parse(line) as { seq: number; question: string; detail: unknown };
    const tell = (found: unknown, error: string): void => {
      process.stdout.write(`${JSON.stringify({ seq, found, error })}\n`);
    };
    const answer = Object.hasOwn(answers, question) ? answers[question] : undefined;
    if (answer === undefined) tell(null, `no question ${question}`);
    else
      answer(detail).then(
        (found) => tell(found, ''),
        (error: Error) => tell(null, error.message),
      );
  })
  .on('close', () => process.exit(0));
process.stdout.on('error', () => process.exit(0));
