use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds background threads and session state in apps that run as several processes.
    ///
    /// ## Why is this bad?
    /// Every worker runs its own copy: jobs run several times, and a user's next request may reach a worker that does
    /// not know the session.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["gunicorn", "app:app", "-w", "4"]
    /// ```
    /// with `BackgroundScheduler().start()` in `app.py`.
    pub(crate) static RULE = { code: "BY206", name: "state-in-workers", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(command) = &context.command else { return };
    let workers = command.option(&["-w", "--workers"]).and_then(|(text, _)| text.parse::<u32>().ok()).unwrap_or(1);
    if workers < 2 {
        return;
    }
    for module in context.reached() {
        for call in module.calls.iter().filter(|call| call.scope == 0 && !call.main) {
            let what = match call.name.as_str() {
                "threading.Thread().start" => "This thread",
                "flask_socketio.SocketIO" => "This socket server",
                name if name.contains("Scheduler") && name.ends_with("().start") => "This scheduler",
                _ => continue,
            };
            findings
                .at(&module.source, call.span, format!("{what} runs once in each of {workers} workers"))
                .hint("use one worker with threads, or move the work to a job");
        }
    }
}
