package dev.kwal.okio

/** Stands here until the module does. */
internal object Placeholder
