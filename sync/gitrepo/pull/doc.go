// Package pull fetches what is proposed for a flag repository, such as a pull request, in a process of its own: anybody may propose
// anything, and unpacking it may take any amount of time and memory.
//
// [Fetch] starts a worker, which takes the proposal's objects into its own memory, merges, and answers with the files that come of it. The
// process that serves flags gets these files and no more; nothing is left on disk. The program's main has to make workers of
// [Work], by the name [Worker].
package pull
