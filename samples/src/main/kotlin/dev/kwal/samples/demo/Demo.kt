package dev.kwal.samples.demo

/** Takes the directory to write to. */
fun main(args: Array<String>) {
    println("the demo writes to ${args.single()}")
}
