//! Test support, used by tests alone: Python environments with official clients, temporary projects, golden stories.
