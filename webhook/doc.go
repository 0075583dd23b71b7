// Package webhook is the bot: it hears from a forge what happens to pull requests, reviews each as package diff/review does, and
// answers there with one check, annotations at the lines in question, and one comment. At a merge it keeps the evidence in Git.
//
// [Bot] receives and decides; a [Forge] is where its answers go. What is delivered is a hint only: everything that is decided
// upon is asked of the forge and of Git.
package webhook
