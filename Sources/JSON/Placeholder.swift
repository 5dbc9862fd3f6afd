public import Common
public enum JSONEncoding { public static func bytes(of v: JSONValue) -> [UInt8] { [] } }
