"""The Vercel AI SDK's protocols below `/ai`: UI messages, data stream v1, completions, objects and text."""
