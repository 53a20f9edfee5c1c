/**
 * What a host sent to a terminal, on its way to another one. Threat: sequences that make a terminal answer, as if its
 * person typed, that write its clipboard or its title, or that leave it in a state of the host's choosing.
 *
 * Sequences are those of ECMA-48 and xterm's ctlseqs. What is let through draws: text, colours, the cursor, erasing,
 * scrolling, the alternate screen.
 */
import { StringDecoder } from 'node:string_decoder';

/** `screen`: sequences that draw are kept. `text`: none is. */
export type TerminalUse = 'screen' | 'text';

/** Final bytes of control sequences that draw: cursor, erase, insert, delete, scroll, colours, tabs, margins. */
const DRAWS = /^[@A-HIJKLMPSTXZ`abdefgmrsu]$/;
/** DEC private modes: cursor keys, origin, wrap, blinking and visible cursor, alternate screen. */
const MODES = new Set(['1', '6', '7', '12', '25', '47', '1047', '1048', '1049']);
/** Longer is no control sequence of a terminal's. */
const LONGEST = 256;

type State = 'ground' | 'escape' | 'charset' | 'csi' | 'string' | 'string-escape';

export class TerminalText {
  readonly #use: TerminalUse;
  readonly #decoder = new StringDecoder('utf8');
  #state: State = 'ground';
  #sequence = '';

  constructor(use: TerminalUse) {
    this.#use = use;
  }

  /** @returns what may be written to a terminal; a sequence or character that is not whole waits for the rest */
  push(bytes: Buffer): string {
    let out = '';
    for (const char of this.#decoder.write(bytes)) out += this.#char(char);
    return out;
  }

  #char(char: string): string {
    switch (this.#state) {
      case 'ground':
        return this.#ground(char);
      case 'escape':
        return this.#escape(char);
      case 'charset':
        this.#state = 'ground';
        return this.#keep(/^[0AB]$/.test(char), `${this.#sequence}${char}`);
      case 'csi':
        return this.#csi(char);
      case 'string':
        // Operating system commands end with BEL too.
        if (char === '\u0007' || char === '\u009c' || char === '\u0018' || char === '\u001a')
          this.#state = 'ground';
        else if (char === '\u001b') this.#state = 'string-escape';
        return '';
      case 'string-escape':
        this.#state = 'ground';
        return char === '\\' ? '' : this.#escape(char);
    }
  }

  #ground(char: string): string {
    if (char === '\u001b') {
      this.#state = 'escape';
      return '';
    }
    if (char >= ' ' && char < '\u007f') return char;
    if (char === '\n' || char === '\r' || char === '\t') return char;
    if (char === '\b') return this.#use === 'screen' ? char : '';
    // C1 controls: what they are where a terminal takes them.
    if (char >= '\u0080' && char <= '\u009f')
      return this.#escape(String.fromCharCode(char.charCodeAt(0) - 0x40));
    if (char < ' ' || char === '\u007f') return '';
    return char;
  }

  #escape(char: string): string {
    if (char === '[') {
      this.#state = 'csi';
      this.#sequence = '';
      return '';
    }
    if (char === '(' || char === ')') {
      this.#state = 'charset';
      this.#sequence = `\u001b${char}`;
      return '';
    }
    // OSC, DCS, SOS, PM, APC: whatever they hold.
    if (/^[\]PX^_]$/.test(char)) {
      this.#state = 'string';
      return '';
    }
    if (char === '\u001b') return '';
    this.#state = 'ground';
    return this.#keep(/^[78DEHM]$/.test(char), `\u001b${char}`);
  }

  #csi(char: string): string {
    if (char === '\u001b') {
      this.#state = 'escape';
      return '';
    }
    const final = char >= '@' && char <= '~';
    if (!final) {
      this.#sequence += char;
      if (char < ' ' || char > '?' || this.#sequence.length > LONGEST) this.#state = 'ground';
      return '';
    }
    this.#state = 'ground';
    const given = this.#sequence;
    const mode = /^\?([\d;]+)$/.exec(given)?.[1];
    const draws =
      mode === undefined
        ? /^[\d;:]*$/.test(given) && DRAWS.test(char)
        : /^[hl]$/.test(char) && mode.split(';').every((one) => MODES.has(one));
    return this.#keep(draws, `\u001b[${given}${char}`);
  }

  #keep(draws: boolean, sequence: string): string {
    return draws && this.#use === 'screen' ? sequence : '';
  }
}

/** Puts a terminal back on which something was drawn: colours, cursor, the main screen, margins. */
export const TERMINAL_RESET = '\u001b[0m\u001b[?25h\u001b[?7h\u001b[r\u001b[?1049l';
