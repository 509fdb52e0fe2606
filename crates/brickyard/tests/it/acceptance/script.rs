//! The commands of a story, one a line.

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// `NAME=VALUE … brickyard ARGUMENT …`, to its end.
    Command { variables: Vec<(String, String)>, arguments: Vec<String> },
    /// `start brickyard run …`: until it says that the app runs.
    Start { variables: Vec<(String, String)>, arguments: Vec<String> },
    /// `get PATH` from the app that runs, as a browser without scripts.
    Get(String),
    /// `interrupt`: Ctrl-C for what was started; shows all it has said since.
    Interrupt,
    /// `hold NAME`: another program listens on a port, written `$NAME` in later lines.
    Hold(String),
    /// `list FOLDER`: the files in it.
    List(String),
}

/// The step a line asks for; nothing for an empty line or a comment.
pub(super) fn read(line: &str) -> Option<Step> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let words = words(line);
    let argument = || words.get(1).cloned().unwrap_or_default();
    Some(match words[0].as_str() {
        "get" => Step::Get(argument()),
        "interrupt" => Step::Interrupt,
        "hold" => Step::Hold(argument()),
        "list" => Step::List(argument()),
        "start" => {
            let (variables, arguments) = command(&words[1..], line);
            Step::Start { variables, arguments }
        }
        _ => {
            let (variables, arguments) = command(&words, line);
            Step::Command { variables, arguments }
        }
    })
}

fn command(words: &[String], line: &str) -> (Vec<(String, String)>, Vec<String>) {
    let at = words.iter().position(|word| word == "brickyard");
    let at = at.unwrap_or_else(|| panic!("not a step of a story: {line}"));
    let variables = words[..at].iter().map(|word| {
        let (name, value) = word.split_once('=').unwrap_or_else(|| panic!("not a step of a story: {line}"));
        (name.to_owned(), value.to_owned())
    });
    (variables.collect(), words[at + 1..].to_vec())
}

/// Words as a shell would have them, with both kinds of quotes and nothing else.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[test]
fn lines_are_read_as_a_shell_does() {
    assert_eq!(words("a 'b c' \"d'e\" ''  f"), ["a", "b c", "d'e", "", "f"]);
    let step = read("A=1 brickyard sql 'SELECT 1'").unwrap();
    let Step::Command { variables, arguments } = step else { panic!("{step:?}") };
    assert_eq!(variables, [("A".to_owned(), "1".to_owned())]);
    assert_eq!(arguments, ["sql", "SELECT 1"]);
    assert_eq!(read("# nothing"), None);
}
