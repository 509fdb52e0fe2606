use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ApiError;
use crate::workspace::Workspace;

const SPACE: &str = "genie_space";
const CONVERSATION: &str = "genie_conversation";
const MESSAGE: &str = "genie_message";

/// A space.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SpaceRecord {
    pub(super) id: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    pub(super) warehouse_id: String,
    /// What the space knows, in the platform's own form.
    #[serde(default)]
    pub(super) serialized: Option<String>,
    #[serde(default)]
    pub(super) parent_path: Option<String>,
    pub(super) owner: String,
    /// Serving endpoint that writes SQL.
    #[serde(default)]
    pub(super) model: Option<String>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// A conversation of one person with a space.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ConversationRecord {
    pub(super) id: String,
    pub(super) space: String,
    pub(super) title: String,
    pub(super) user: String,
    pub(super) user_id: u64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// A question and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MessageRecord {
    pub(super) id: String,
    pub(super) space: String,
    pub(super) conversation: String,
    pub(super) content: String,
    pub(super) user_id: u64,
    /// `ASKING_AI`, `EXECUTING_QUERY`, `COMPLETED`, `FAILED`.
    pub(super) status: String,
    #[serde(default)]
    pub(super) query: Option<QueryRecord>,
    #[serde(default)]
    pub(super) text: Option<String>,
    /// Kind and sentence.
    #[serde(default)]
    pub(super) error: Option<(String, String)>,
    #[serde(default)]
    pub(super) feedback: Option<Value>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// The statement that answers a question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct QueryRecord {
    pub(super) attachment: String,
    pub(super) sql: String,
    pub(super) title: String,
    pub(super) description: String,
    #[serde(default)]
    pub(super) statement: Option<String>,
    #[serde(default)]
    pub(super) rows: Option<u64>,
    #[serde(default)]
    pub(super) truncated: bool,
}

impl SpaceRecord {
    /// What the space knows; empty where nobody wrote anything.
    pub(super) fn knowledge(&self) -> Value {
        self.serialized.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
    }
}

fn failed(error: crate::store::StoreError) -> ApiError {
    ApiError::internal(&error)
}

impl Workspace {
    /// Refuses a space that is not there.
    pub(crate) fn check_genie_space(&self, id: &str) -> Result<(), ApiError> {
        self.genie_space(id).map(drop)
    }

    pub(super) fn genie_space(&self, id: &str) -> Result<SpaceRecord, ApiError> {
        self.store().get(SPACE, id).map_err(failed)?.ok_or_else(|| ApiError::not_found("Genie space", id))
    }

    /// Name of a space for people.
    pub(crate) fn genie_title(&self, id: &str) -> Result<String, ApiError> {
        Ok(self.genie_space(id)?.title)
    }

    pub(super) fn genie_spaces(&self) -> Result<Vec<SpaceRecord>, ApiError> {
        let all = self.store().list::<SpaceRecord>(SPACE, "").map_err(failed)?;
        Ok(all.into_iter().map(|(_, record)| record).collect())
    }

    pub(super) fn put_space(&self, record: &SpaceRecord) -> Result<(), ApiError> {
        self.store().put(SPACE, &record.id, record).map_err(failed)
    }

    /// Forgets a space with its conversations.
    pub(super) fn forget_space(&self, id: &str) -> Result<(), ApiError> {
        for conversation in self.genie_conversations(id)? {
            self.forget_conversation(&conversation)?;
        }
        self.store().delete(SPACE, id).map(drop).map_err(failed)
    }

    pub(super) fn genie_conversation(&self, space: &str, id: &str) -> Result<ConversationRecord, ApiError> {
        let found = self.store().get(CONVERSATION, &format!("{space}/{id}")).map_err(failed)?;
        found.ok_or_else(|| ApiError::not_found("Conversation", id))
    }

    pub(super) fn genie_conversations(&self, space: &str) -> Result<Vec<ConversationRecord>, ApiError> {
        let all =
            self.store().list::<ConversationRecord>(CONVERSATION, &format!("{space}/")).map_err(failed)?;
        Ok(all.into_iter().map(|(_, record)| record).collect())
    }

    pub(super) fn put_conversation(&self, record: &ConversationRecord) -> Result<(), ApiError> {
        self.store().put(CONVERSATION, &format!("{}/{}", record.space, record.id), record).map_err(failed)
    }

    pub(super) fn forget_conversation(&self, record: &ConversationRecord) -> Result<(), ApiError> {
        for message in self.genie_messages(&record.space, &record.id)? {
            self.forget_message(&message)?;
        }
        let key = format!("{}/{}", record.space, record.id);
        self.store().delete(CONVERSATION, &key).map(drop).map_err(failed)
    }

    pub(super) fn genie_message(
        &self,
        space: &str,
        conversation: &str,
        id: &str,
    ) -> Result<MessageRecord, ApiError> {
        let found = self.store().get(MESSAGE, &format!("{space}/{conversation}/{id}")).map_err(failed)?;
        found.ok_or_else(|| ApiError::not_found("Message", id))
    }

    /// The messages of a conversation, oldest first.
    pub(super) fn genie_messages(
        &self,
        space: &str,
        conversation: &str,
    ) -> Result<Vec<MessageRecord>, ApiError> {
        let all = self.store().list::<MessageRecord>(MESSAGE, &format!("{space}/{conversation}/"));
        let mut all: Vec<MessageRecord> =
            all.map_err(failed)?.into_iter().map(|(_, record)| record).collect();
        all.sort_by(|left, right| left.created_at.cmp(&right.created_at).then(left.id.cmp(&right.id)));
        Ok(all)
    }

    pub(super) fn put_message(&self, record: &MessageRecord) -> Result<(), ApiError> {
        let key = format!("{}/{}/{}", record.space, record.conversation, record.id);
        self.store().put(MESSAGE, &key, record).map_err(failed)
    }

    pub(super) fn forget_message(&self, record: &MessageRecord) -> Result<(), ApiError> {
        let key = format!("{}/{}/{}", record.space, record.conversation, record.id);
        self.store().delete(MESSAGE, &key).map(drop).map_err(failed)
    }
}
