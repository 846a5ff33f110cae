//! Every question of docs/questions.md is answered as the document shows.

use crate::first_hour::{Example, examples, read};
use crate::support::Sandbox;

/// Asserts that a command succeeds and prints the lines that the document shows, in their order.
fn assert_answers(sandbox: &Sandbox, example: &Example) {
    let command = &example.command;
    let shown: Vec<_> = (example.output.iter())
        .filter(|line| *line != "…")
        .collect();
    assert!(!shown.is_empty(), "no answer is shown: {command}");
    let words = shlex::split(command).unwrap();
    let (program, words) = words.split_first().unwrap();
    assert_eq!(program, "trailtab", "{command}");
    let finished = sandbox.run(words).expect(0);
    let mut printed = finished.out.lines().map(str::trim_end);
    for line in shown {
        assert!(
            printed.any(|it| it == line.trim_end()),
            "{command} does not print, or not in this order: {line}\n{}",
            finished.out
        );
    }
}

#[test]
fn every_question_has_the_answer_that_is_shown() {
    let text = read("docs/questions.md");
    let examples = examples(&text);
    let questions = text.lines().filter(|line| line.starts_with("### "));
    assert_eq!(questions.count(), examples.len(), "one command for each");
    assert!(examples.len() >= 18, "{}", examples.len());
    let sandbox = Sandbox::new();
    let demo = "demo -q --events 100000 --output demo";
    sandbox.run(demo.split(' ')).expect(0);
    let sandbox = &sandbox;
    // The commands take most of their time to start and to read, so two run at a time.
    std::thread::scope(|scope| {
        for half in examples.chunks(examples.len().div_ceil(2)) {
            scope.spawn(move || half.iter().for_each(|it| assert_answers(sandbox, it)));
        }
    });
}
