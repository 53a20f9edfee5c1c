/** Acts as the person whose SSH connection it is: their agent, their key files, their known_hosts. Holds no privilege. */
import { brokerFor, type Person } from './broker/serve.ts';

const send = process.send?.bind(process);
const argument = process.argv[2];
if (send === undefined || argument === undefined) {
  process.stderr.write('broker: started by hoplined only\n');
  process.exit(2);
}

const answers = brokerFor(JSON.parse(argument) as Person) as unknown as Readonly<
  Record<string, (detail: unknown) => Promise<unknown>>
>;

process.on('disconnect', () => process.exit(0));
process.on('message', (message: { seq: number; question: string; detail: unknown }) => {
  const { seq, question, detail } = message;
  const tell = (found: unknown, error: string): void => {
    if (process.connected) send({ seq, found, error });
  };
  const answer = Object.hasOwn(answers, question) ? answers[question] : undefined;
  if (answer === undefined) tell(null, `no question ${question}`);
  else
    answer(detail).then(
      (found) => tell(found, ''),
      (error: Error) => tell(null, error.message),
    );
});
