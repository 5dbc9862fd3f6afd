import Commands

/// The program; its commands are a library, so that tests and other programs of this repository reach them.
@main
enum Main {
    static func main() async {
        await VirtMetadata.main()
    }
}
