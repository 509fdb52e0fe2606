use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Points out server-sent events.
    ///
    /// ## Why is this bad?
    /// The platform ends a stream after about 300 s, whatever is sent.
    ///
    /// ## Example
    /// ```python
    /// StreamingResponse(events(), media_type="text/event-stream")
    /// ```
    /// Let the page connect again by itself, or use a WebSocket.
    pub(crate) static RULE = { code: "BY603", name: "event-stream", level: Info, check: check }
}

const MESSAGE: &str = "The platform ends a stream after about 300 s";
const HINT: &str = "let the page connect again by itself, or use a WebSocket";

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        // `response.headers["Content-Type"] = "text/event-stream"`.
        let put = module.subscripts.iter().filter(|subscript| subscript.stored && subscript.key.eq_ignore_ascii_case("content-type")).find(|subscript| {
            module.assigns.iter().any(|assign| {
                is_stream(&assign.value) && assign.span.start <= subscript.span.start && subscript.span.end <= assign.span.end
            })
        });
        if let Some(subscript) = put {
            findings.at(&module.source, subscript.span, MESSAGE).hint(HINT);
            continue;
        }
        let hit = module
            .calls
            .iter()
            .find(|call| {
                call.method() == "EventSourceResponse"
                    || call.keywords.iter().any(|(name, value, _)| {
                        matches!(name.as_str(), "media_type" | "mimetype" | "content_type")
                            && is_stream(value)
                            || name == "headers" && matches!(value, Value::Dict(items) if items.iter().any(|(name, value)| {
                                name.eq_ignore_ascii_case("content-type") && is_stream(value)
                            }))
                    })
            });
        if let Some(call) = hit {
            findings
                .at(&module.source, call.span, MESSAGE)
                .hint(HINT);
        }
    }
}

fn is_stream(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.starts_with("text/event-stream"))
}
